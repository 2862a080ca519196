/** What a line that was typed in the chat means. */

export type Intent =
  | { readonly kind: "nothing" }
  | { readonly kind: "command"; readonly name: string; readonly rest: string }
  | { readonly kind: "say"; readonly to: string; readonly text: string }
  /** Chooses whom the next lines are for. */
  | { readonly kind: "talk"; readonly to: string }
  /** A text for nobody. */
  | { readonly kind: "astray" };

export interface Talk {
  /** Whom plain lines are for. */
  readonly partner?: { readonly name: string; readonly kind: "person" | "bot" } | undefined;
  /** Whether somebody of that name has been seen. */
  readonly isKnown: (name: string) => boolean;
}

/**
 * `/word …` is a command and `//` a text that begins with a slash. `@name …` and `name: …` are for that peer. With a
 * partner a plain line is for the partner; without one it may begin with the name of somebody who is known.
 *
 * What has line breaks was pasted, and is likely to be code: a slash begins nothing but `/message`, and blanks stay.
 */
export function readChatLine(line: string, { partner, isKnown }: Talk): Intent {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  const command = /^\/([a-z?]*)(?:\s+(.*))?$/su.exec(text);
  const isPasted = text.includes("\n");
  if (command && (!isPasted || isMessage(command[1]))) {
    return { kind: "command", name: command[1] ?? "", rest: command[2] ?? "" };
  }
  const addressed = /^@(\S+?)[:,]?(?:\s+(.*))?$/su.exec(text) ?? /^([a-z0-9-]+):(?:\s+(.*))?$/su.exec(text);
  const name = addressed?.[1];
  if (name !== undefined && (text.startsWith("@") || isKnown(name))) return forPeer(name, addressed?.[2] ?? "");
  const typed = text.startsWith("//") ? text.slice(1) : text;
  const plain = isPasted ? line.trimEnd().replace(/^\s*\n/u, "") : typed;
  const [, first = "", rest = ""] = /^\s*(\S+)\s*(.*)$/su.exec(plain) ?? [];
  if (!partner) return isKnown(first) ? forPeer(first, rest) : { kind: "astray" };
  // "dice roll" is what a newcomer types; a bot that is spoken to already does not need its name.
  const isCall = partner.kind === "bot" && first === partner.name && rest !== "";
  return { kind: "say", to: partner.name, text: isCall ? rest : plain };
}

/** Whether it is the beginning of that command, as which it may be typed. */
function isMessage(word = ""): boolean {
  return word !== "" && "message".startsWith(word);
}

function forPeer(to: string, text: string): Intent {
  return text === "" ? { kind: "talk", to } : { kind: "say", to, text };
}
