import type { core } from 'zod';
import { isTree, type Layers, sourceOf, valueAt } from './layers.ts';
import { describeValue, redactText } from './redact.ts';
import { fileSchema } from './schema.ts';
import { knownKeys, suggestKey } from './suggest.ts';

/** What is wrong, one line each: path, expectation, value, and where it was said. */
export function describeIssues(issues: readonly core.$ZodIssue[], layers: Layers): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'invalid_union') return describeIssues(issuesOfForm(issue, layers), layers);
    if (issue.code !== 'unrecognized_keys') return [line(issue, layers)];
    const known = knownKeys(fileSchema, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${dotted(path)}: unknown key, ${suggestKey(key, known)} (${sourceOf(layers, path)})`;
    });
  });
}

/** What may be a text or a map is judged as the one that it is. */
function issuesOfForm(issue: core.$ZodIssueInvalidUnion, layers: Layers): core.$ZodIssue[] {
  const [ofText = [], ofMap = ofText] = issue.errors;
  const chosen = isTree(valueAt(layers, issue.path)) ? ofMap : ofText;
  return chosen.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

function line(issue: core.$ZodIssue, layers: Layers): string {
  const source = sourceOf(layers, issue.path);
  const value = issue.code === 'invalid_key' ? issue.path.at(-1) : valueAt(layers, issue.path);
  const expected = expectationOf(issue);
  const said = expected.includes(', got ')
    ? expected
    : `${expected}, got ${describeValue(issue.path, value)}`;
  const variable = source.startsWith('env ') && value !== undefined ? source.slice('env '.length) : null;
  return variable ? `${variable}: ${said}` : `${dotted(issue.path)}: ${said} (${source})`;
}

function expectationOf(issue: core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  const isMap = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record');
  return isMap ? 'expected a map' : issue.message;
}

function dotted(path: readonly PropertyKey[]): string {
  return redactText(path.map(String).join('.'));
}
