/** In turn: what follows something that may be done at once. Only what really waits costs a promise, and a turn. */

/** Calls `act`, then `ended` with what it gave or `failed` with what it threw: at once, unless it gave a promise. */
export function inTurn<Given, Result>(
  act: () => Given | PromiseLike<Given>,
  ended: (given: Given) => Result,
  failed: (error: unknown) => Result,
): Result | Promise<Result> {
  let given: Given | PromiseLike<Given>;
  try {
    given = act();
  } catch (error) {
    return failed(error);
  }
  return isPromiseLike(given) ? Promise.resolve(given).then(ended, failed) : ended(given);
}

/** Whatever `await` would wait for. */
export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
