import fc from "fast-check";
import { suite } from "uvu";
import { StoredFile } from "../../support/stored.ts";
import { holds } from "./holds.ts";
import { commands } from "./storage-commands.ts";
import { Model, type Real } from "./storage-model.ts";

const test = suite("faults/fuzz/storage");

test("accepts, marks, claims, ends, cancels, retries, erasures, clean-ups and restarts over two connections do what a list in memory does", async () => {
  await holds(
    fc.asyncProperty(commands, async (given) => {
      const file = await StoredFile.make();
      try {
        const storages = [await file.open(), await file.open()] as const;
        const setup = (): { model: Model; real: Real } => ({
          model: new Model(),
          real: { file, storages: [...storages] },
        });
        await fc.asyncModelRun(setup, given);
      } finally {
        await file.close();
      }
    }),
    50,
  );
});

test.run();
