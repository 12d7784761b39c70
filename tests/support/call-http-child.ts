/** Calls the port that is its argument by a name that this process alone resolves, and prints the answer's body. */
import { callHttp } from "./call-http.ts";

const form = { url: `http://api.example:${process.argv[2]}/`, allow_private: true };
const { body } = await callHttp(form, { names: { "api.example": ["127.0.0.1"] } });
console.log(body);
