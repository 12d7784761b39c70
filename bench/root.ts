import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** The bench's folder. */
export const BENCH: string = fileURLToPath(new URL(".", import.meta.url));
