/** Stand-in: an object that is another one but for a few members. Methods run on the original, so private fields are found. */
export function standIn<Target extends object>(
  target: Target,
  replaced: Readonly<Partial<Record<PropertyKey, unknown>>>,
): Target {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(replaced, key)) return replaced[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
