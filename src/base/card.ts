/** Cards: what a bot says it can do, as published in its record and read by anybody. */

/** A JSON Schema (draft 2020-12) of an object whose properties are the command's arguments, in the order they are typed. */
export type JsonSchema = { readonly [key: string]: unknown };

export interface CommandCard {
  readonly name: string;
  readonly about: string;
  readonly args: JsonSchema;
}

export interface Card {
  readonly about: string;
  readonly commands: readonly CommandCard[];
}
