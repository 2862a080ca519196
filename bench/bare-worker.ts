/** Bare worker: a TLS listener and a database. It is sent the folder with its key, and says when it listens. */
import { readFileSync } from "node:fs";
import { listenRaw, openRawDatabase } from "./raw.ts";

declare const self: Worker;

self.addEventListener("message", ({ data: folder }: MessageEvent<string>) => {
  const db = openRawDatabase(`${folder}/raw.db`);
  db.run("CREATE TABLE incoming (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  const insert = db.query("INSERT INTO incoming (text) VALUES (?)");
  const credentials = {
    keyPem: readFileSync(`${folder}/key.pem`, "utf8"),
    certificatePem: readFileSync(`${folder}/certificate.pem`, "utf8"),
  };
  const { port } = listenRaw(credentials, {
    values: (_, values) => (values as { text: string }[]).forEach(({ text }) => insert.run(text)),
  });
  self.postMessage(port);
});
