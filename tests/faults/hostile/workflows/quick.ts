/** The good sender's. */
export { default } from "../../../fixtures/workflows/quick.ts";
