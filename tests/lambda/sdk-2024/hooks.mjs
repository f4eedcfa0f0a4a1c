// @ts-check

/**
 * Resolves the function's imports of the AWS SDK to the one in this folder.
 * @type {import("node:module").ResolveHook}
 */
export const resolve = (specifier, context, next) =>
  next(specifier, specifier.startsWith("@aws-sdk/") ? { ...context, parentURL: import.meta.url } : context);
