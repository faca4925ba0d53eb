import * as z from 'zod';

/** Something that is not to be seen, or where it is: in a variable of the environment, or in a file. */
export type SecretRef = { readonly value: string } | { readonly env: string } | { readonly file: string };

/** The same as the config file has it. */
export type SecretGiven = string | { env?: string | undefined; file?: string | undefined };

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A text that `test` takes, `{ env: NAME }` or `{ file: PATH }`. `file`: the schema of a path. */
export function secretOr<Text extends z.ZodType<string>, Path extends z.ZodType<string>>(
  text: Text,
  file: Path,
) {
  const reference = z
    .strictObject({
      env: z
        .string('expected the name of a variable')
        .regex(VARIABLE, 'expected the name of a variable')
        .optional(),
      file: file.optional(),
    })
    .refine(
      ({ env, file: path }) => (env === undefined) !== (path === undefined),
      'expected one of env and file',
    );
  return z.union([text, reference]);
}

/** A secret as the file has it, as the code uses it. */
export function toSecretRef(given: SecretGiven): SecretRef {
  if (typeof given === 'string') return { value: given };
  return given.env === undefined ? { file: given.file ?? '' } : { env: given.env };
}
