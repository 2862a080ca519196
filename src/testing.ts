/** `warren/testing`: what the test of a bot needs. See docs/bots.md. */
export { createTestWarren, type TestPerson, type TestWarren, type TestWarrenOptions } from "./testing/kit.ts";
export type { HttpAnswer, HttpAnswers, HttpRequest, TestHttp } from "./testing/http.ts";
export { replay, type Replayed, type ReplayOptions } from "./testing/replay.ts";
