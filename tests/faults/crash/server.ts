/** The program as `serveCrash` has it, with nothing broken. */
import { serveCrash } from "./serve-crash.ts";

serveCrash();
