import { site } from "./site.ts";
console.log(await site(1, Number(process.argv[2]), Number(process.argv[3])));
