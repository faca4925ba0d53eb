import { instancesQuerySchema } from '@spica/client/wire';
import { describe, expect, it, test } from 'vitest';
import { changeQuery } from '../../../src/router/url.ts';
import {
  describeFilter,
  isNarrowed,
  readList,
  sortBy,
  toApiQuery,
  withoutFilters,
} from '../../../src/views/instances/list.ts';

const read = (text: string) => readList(new URLSearchParams(text));

/** As the API reads the URL that is made of it. */
function asApiReads(text: string) {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of Object.entries(toApiQuery(read(text)))) {
    if (Array.isArray(value) ? value.length > 0 : value !== undefined) query.set(name, value as string);
  }
  return instancesQuerySchema.parse(Object.fromEntries(query));
}

describe('what a URL lists', () => {
  it('is what the API is asked for', () => {
    const all =
      'q=abc&experiment=e&template=t&by=ada&lease=held&pin=none&rule=goes&state=ready&unsaved=yes&minBytes=5&label=a=1&label=b=x=y';
    expect(asApiReads(`${all}&sort=size&order=asc`)).toMatchObject({
      q: 'abc',
      experiment: 'e',
      template: 't',
      by: 'ada',
      lease: 'held',
      pin: 'none',
      rule: 'goes',
      state: 'ready',
      unsaved: 'yes',
      minBytes: 5,
      labels: { a: '1', b: 'x=y' },
      sort: 'size',
      order: 'asc',
    });
  });

  it('is the youngest first where it says nothing', () => {
    expect(asApiReads('pool=main&row=70')).toMatchObject({ sort: 'age', order: 'asc', labels: {} });
    expect(isNarrowed(read('pool=main&row=70'))).toBe(false);
  });

  it('leaves out what the API would refuse', () => {
    const odd =
      'lease=maybe&minBytes=-1&label=nothing&label=__proto__=1&sort=toString&order=up&unsaved=no&q=+';
    expect(read(odd)).toEqual({ filter: {}, sort: 'age', order: 'asc' });
  });
});

test('a head sorts its own way first, then the other way, and what is as it is by itself is not in the URL', () => {
  const click = (text: string, column: 'age' | 'size') =>
    changeQuery(new URLSearchParams(text), sortBy(read(text), column)).toString();
  expect(click('', 'size')).toBe('sort=size');
  expect(click('sort=size', 'size')).toBe('order=asc&sort=size');
  expect(click('order=asc&sort=size', 'size')).toBe('sort=size');
  expect(click('sort=size&row=7', 'age')).toBe('');
});

test('a filter is said in words, and cleared as a whole', () => {
  const text = 'lease=held&rule=goes&experiment=alpha&label=run=1&minBytes=2500000000';
  expect(describeFilter(read(text).filter)).toBe(
    'leased, which the next prune would delete, of experiment alpha, labelled run=1, of at least 2.5 GB',
  );
  expect(changeQuery(new URLSearchParams(`${text}&pool=main`), withoutFilters()).toString()).toBe(
    'pool=main',
  );
});
