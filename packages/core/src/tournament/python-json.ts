/**
 * The text that Python's `json.dumps(value, sort_keys=True)` makes of the same value: keys in the order of their code
 * points, `, ` and `: ` between things, ASCII only, numbers as Python writes them. A number is what
 * `json.loads` makes of it: whole ones are an `int`, as `1.0` cannot be told from `1` here. Throws TypeError for what JSON has no word for.
 */
export function pythonJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return pythonText(value);
    case 'number':
      return pythonNumber(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(pythonJson).join(', ')}]` : pythonObject(value);
    default:
      throw new TypeError(`expected a JSON value, got ${typeof value}`);
  }
}

function pythonObject(value: object): string {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const sorted = entries.sort(([a], [b]) => compareCodePoints(a, b));
  return `{${sorted.map(([name, inner]) => `${pythonText(name)}: ${pythonJson(inner)}`).join(', ')}}`;
}

/** JavaScript compares texts by their UTF-16 units, where an emoji comes before some of the letters that it follows here. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function pythonText(text: string): string {
  return JSON.stringify(text).replaceAll(/[^ -~]/g, (unit) => {
    const units = Array.from({ length: unit.length }, (_, at) => unit.charCodeAt(at));
    return units.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
  });
}

/** Python turns to an exponent below 1e-4 and from 1e16 on, JavaScript below 1e-6 and from 1e21 on. */
function pythonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`expected a JSON value, got ${value}`);
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value); // as JSON has it: Python reads an int
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? '-' : '+';
    return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const digits = mantissa.replace('-', '').replace('.', '');
  const sign = value < 0 ? '-' : '';
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  return `${sign}${whole}.${digits.slice(power + 1) || '0'}`;
}
