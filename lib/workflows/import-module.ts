/**
 * Imports a module of the user's. Where the runtime does not read TypeScript itself (Node 20), tsx does it, if it is
 * installed; it is registered for the whole process and not by `tsImport`, whose modules would come with a second copy
 * of this library.
 *
 * @param url of a `.ts` or `.js` file
 * @throws what the module throws; an error that says what to install where TypeScript cannot be read
 */
export async function importModule(url: string): Promise<object> {
  if (url.endsWith(".ts") && !readsTypeScript()) {
    registered ??= registerTsx();
    await registered;
  }
  try {
    return (await import(url)) as object;
  } catch (error) {
    throw isOwnPackage(error) ? new Error(NO_PACKAGE, { cause: error }) : error;
  }
}

/** Where the folder lies outside of every project that has the package, its modules do not find it. */
const NO_PACKAGE =
  "it imports latchhook, and there is no such package beside it; put the folder into a project that has it, or run npm install latchhook there";

function isOwnPackage(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  return /^(?:Cannot find (?:package|module) ['"]latchhook(?:\/[^'"]*)?['"]|.*"latchhook" not (?:a dependency|found))/.test(
    message,
  );
}

let registered: Promise<void> | null = null;

/**
 * Known and not tried, because Node 20 remembers a failed import for the life of the process. Running from our own
 * `.ts` is proof enough; tsx that is active beside our compiled files does not mind to be registered twice.
 */
function readsTypeScript(): boolean {
  return import.meta.url.endsWith(".ts") || Boolean(process.features.typescript);
}

async function registerTsx(): Promise<void> {
  // Both, because without "type": "module" in the user's package.json a .ts file is CommonJS.
  const [modules, commonJs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]).catch(
    (cause: unknown) => {
      throw new Error(
        "this runtime cannot read TypeScript; run npm install tsx, or use Node 22.18 or newer",
        {
          cause,
        },
      );
    },
  );
  commonJs.register();
  modules.register();
}
