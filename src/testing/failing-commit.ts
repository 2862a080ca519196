/** A commit that fails to order, as it does on a full disk. */
import { WarrenError } from "../base/errors.ts";
import type { Database } from "../store/database.ts";

/** Makes the next commit fail, or the next one for which `isTheOne` holds. */
export function failNextCommit(db: Database, isTheOne: () => boolean = () => true): void {
  let isArmed = true;
  db.beforeCommit(() => {
    if (!isArmed || !isTheOne()) return;
    isArmed = false;
    throw new WarrenError("STORE_FAILED", "the disk is full");
  });
}
