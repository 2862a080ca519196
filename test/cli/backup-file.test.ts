import { expect, test } from "bun:test";
import { decodeBackup, encodeBackup } from "../../src/cli/backup-file.ts";

const head = { kind: "bot", name: "dice", at: 5, keyPem: "key\n", settings: "{}\n" } as const;
const database = Uint8Array.of(10, 0, 255, 10);
const bytes = async (): Promise<Uint8Array> => new Uint8Array(await encodeBackup(head, database).arrayBuffer());
const text = (line: string): Uint8Array => new TextEncoder().encode(line);

test("what goes into a backup comes out", async () => {
  expect(decodeBackup("f", await bytes())).toEqual({ ...head, database });
  const { settings: _, ...bare } = head;
  const small = new Uint8Array(await encodeBackup(bare, database).arrayBuffer());
  expect(decodeBackup("f", small)).toEqual({ ...bare, database });
});

test("every cut is noticed, and every changed byte of the key and the database", async () => {
  const whole = await bytes();
  for (let length = 0; length < whole.byteLength; length++) {
    expect(() => decodeBackup("f", whole.subarray(0, length))).toThrow(/^f is (?:no backup|damaged)/);
  }
  for (let place = 1; place <= database.byteLength; place++) {
    expect(() => decodeBackup("f", whole.with(whole.byteLength - place, 7))).toThrow("f is damaged or cut short");
  }
  const key = whole.indexOf(0x6b, 60); // the "k" of the key's text
  expect(() => decodeBackup("f", whole.with(key, 0x6c))).toThrow("f is damaged or cut short");
});

test("what is no backup, or of a newer Warren, is told", () => {
  expect(() => decodeBackup("f", text("[5]\n"))).toThrow("f is no backup made by Warren");
  expect(() => decodeBackup("f", text('{"warrenBackup":2}\n'))).toThrow("f was made by a newer Warren");
  expect(() => decodeBackup("f", text('{"warrenBackup":1,"kind":"bot","name":"../x"}\n'))).toThrow(
    "does not say whose",
  );
});
