/** The words of src/base/ids.ts as shapes to check a stranger's JSON with. */
import { z } from "zod";
import { isName, isPeerId, PEER_KINDS, type PeerId } from "../base/ids.ts";

export const peerIdShape = z.custom<PeerId>((value) => typeof value === "string" && isPeerId(value), "not a peer id");
export const nameShape = z.string().refine(isName, "not a name");
export const kindShape = z.enum(PEER_KINDS);

export const addressShape = z.object({
  host: z.string().regex(/^[\w.:%-]{1,253}$/, "not a host"),
  port: z.int().min(1).max(65_535),
});

/** A random text that is used once. */
export const nonceShape = z.string().regex(/^[\w-]{16,64}$/, "not a nonce");

/** Epoch ms, by the clock of whoever wrote it. */
export const timeShape = z.int().min(0);
