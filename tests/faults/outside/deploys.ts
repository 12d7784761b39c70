import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A folder of workflows that changes from deploy to deploy. */
export class Deploys {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param within a folder of the test's own */
  static async make(within: string): Promise<Deploys> {
    const folder = join(within, "workflows");
    await mkdir(join(folder, "node_modules"), { recursive: true });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
    await symlink(ROOT, join(folder, "node_modules", "latchhook"));
    return new Deploys(folder);
  }

  /** @param options what `defineWorkflow` is given, as text; null takes the workflow away */
  async put(name: string, options: string | null): Promise<void> {
    const path = join(this.folder, `${name}.ts`);
    if (options === null) return rm(path);
    await writeFile(
      path,
      `import { existsSync } from "node:fs";
import { defineWorkflow } from "latchhook";
export default defineWorkflow(${options});\n`,
    );
  }
}
