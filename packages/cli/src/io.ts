/** A stream that a command writes to. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Where answers come from. */
export type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  /** Of a terminal: whether each key comes as it is pressed. */
  setRawMode?(isRaw: boolean): unknown;
};

/** All that a command may touch of the process that runs it. */
export interface Io {
  readonly stdin: Input;
  /** Data only. */
  readonly stdout: Output;
  /** Errors, progress, hints. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Null where the directory that it was started in is gone. */
  readonly cwd: string | null;
  readonly home: string;
  /** Where SIGINT, SIGTERM and SIGHUP arrive. */
  readonly signals: NodeJS.EventEmitter;
  /** Rows that an answer may have at most: one that is longer, whoever asks writes itself. */
  readonly mostRows?: number;
  /** Ends the process on the spot. */
  exit(code: number): void;
  /** Ends the process half a second after the command, with the command's exit code, even if work still runs. */
  endAfter(): void;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly pool?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** One call of a command, as the command line gave it: values are texts, not checked yet. */
export interface Invocation<Options extends object = object> {
  readonly io: Io;
  readonly args: readonly string[];
  readonly options: Options & GlobalOptions;
}

/** Runs a command to its end and resolves with the exit code. Throws SpicaError for all that is not as it must be. */
export type Command<Options extends object = object> = (invocation: Invocation<Options>) => Promise<number>;
