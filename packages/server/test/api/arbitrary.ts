import fc from 'fast-check';

type Schema = Readonly<Record<string, unknown>>;

/** Values that a JSON Schema takes, as far as schemas of this API go; now and then one that it does not. */
export function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 25, arbitrary: fitting(schema) }, { weight: 1, arbitrary: odd() });
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['anyOf'])) return fc.oneof(...(schema['anyOf'] as Schema[]).map(fitting));
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum']);
  if ('const' in schema) return fc.constant(schema['const']);
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map((each) => fitting({ ...schema, type: each })));
  switch (type) {
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.oneof(fc.integer({ min: 0, max: 50 }), fc.maxSafeInteger());
    case 'number':
      return fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf((schema['items'] ?? {}) as Schema), { maxLength: 5 });
    case 'object':
      return objects(schema);
    default:
      return odd();
  }
}

function texts({ pattern }: Schema): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  const known = fc.constantFrom(
    '1h',
    '5s',
    'default',
    'main',
    'true',
    'spica-0123456789ab',
    '../..',
    'constructor',
  );
  return fc.oneof(
    known,
    fc.string({ maxLength: 30, unit: 'binary' }),
    fc.string({ minLength: 190, maxLength: 400 }),
  );
}

function objects(schema: Schema): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
  const required = (schema['required'] ?? []) as string[];
  const record = fc.record(Object.fromEntries(properties.map(([name, each]) => [name, arbitraryOf(each)])), {
    requiredKeys: required,
    noNullPrototype: true,
  });
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== 'object' || additionalProperties === null) return record;
  return fc.dictionary(fc.oneof(fc.constant('A'), fc.string()), arbitraryOf(additionalProperties as Schema), {
    maxKeys: 5,
    noNullPrototype: true,
  });
}

/** Anything that JSON can say. */
function odd(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(-1, 1e308, 2 ** 53, '', '\u0000', '__proto__', []),
  );
}
