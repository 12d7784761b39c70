/**
 * What the thread of the checkpoints runs. It is a text and not a module of its own, because a thread inherits no
 * TypeScript loader on every runtime, and a bundler would not find the file.
 *
 * It says `ready` or `failed` once. Asked with `copy`, it answers how many pages the log has by then; null where the copy
 * failed. Asked with `close`, it says `closed`.
 */
export const CHECKPOINT_THREAD = `
const { existsSync } = require("node:fs");
const { parentPort, workerData } = require("node:worker_threads");
function open({ library, path, pragmas }) {
  if (!existsSync(path)) throw new Error("the database is gone, and opening it would make another");
  const { DatabaseSync = require(library) } = require(library);
  const db = new DatabaseSync(path);
  for (const pragma of pragmas) db.exec("PRAGMA " + pragma);
  return db;
}
try {
  const db = open(workerData);
  const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  parentPort.on("message", (message) => {
    if (message === "close") {
      db.close();
      parentPort.postMessage("closed");
      return;
    }
    let pages = null;
    try {
      pages = Number(checkpoint.get().log);
    } catch {} // a full disk, a lock: the next one tries again
    parentPort.postMessage(pages);
  });
  parentPort.postMessage("ready");
} catch {
  parentPort.postMessage("failed");
}
`;
