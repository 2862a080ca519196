import { expect, test } from "bun:test";
import packageJson from "../../package.json";
import { createProgram, registryOption } from "../../src/cli/options.ts";

test("registries may be given one by one or with commas, and of none and others the last word counts", () => {
  expect(registryOption("lab")).toBe("http://lab:9277");
  expect(registryOption("lab-b", registryOption("lab-a"))).toBe("http://lab-a:9277,http://lab-b:9277");
  expect(registryOption("lab-a,lab-b")).toBe("http://lab-a:9277,http://lab-b:9277");
  expect(registryOption("none")).toBe("none");
  expect(registryOption("none", "http://lab:9277")).toBe("none");
  expect(registryOption("lab", "none")).toBe("http://lab:9277");
});

test("every program tells its version, and that of Bun, as a bug report wants them", () => {
  expect(createProgram("peer").version()).toBe(`Warren ${packageJson.version} on Bun ${Bun.version}`);
});
