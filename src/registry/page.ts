/** The page for people: three files, served as they are. They ask nobody but the registry itself, and a browser is told to hold them to it. */
import { join } from "node:path";
import { reply, unlessKnown, type Reply } from "./reply.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const FILES = {
  "page.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
} as const;

interface Loaded {
  readonly text: string;
  readonly edition: string;
}

const loaded = new Map<string, Promise<Loaded>>();

export async function pageFile(name: keyof typeof FILES, asked: string | null): Promise<Reply> {
  const file = loaded.get(name) ?? load(name);
  loaded.set(name, file);
  const { text, edition } = await file;
  return await unlessKnown(asked, edition, () =>
    reply(FILES[name], text, { "content-security-policy": POLICY, "referrer-policy": "no-referrer" }),
  );
}

async function load(name: string): Promise<Loaded> {
  const text = await Bun.file(join(import.meta.dir, "page", name)).text();
  return { text, edition: Bun.hash(text).toString(36) };
}

/** Programs that take anything get the text; browsers say that they would rather have a page. */
export function wantsPage(accept: string | null): boolean {
  return accept?.includes("text/html") ?? false;
}
