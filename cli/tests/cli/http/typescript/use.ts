// Uses the types that openapi-typescript makes of /openapi.json.
import createClient from "openapi-fetch";
import type { components, paths } from "./client.js";

declare const process: { argv: string[] };

type Branch = components["schemas"]["ListedBranch"];

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const shop = { project: "shop" };

const made = await client.POST("/v1/projects/{project}/branches", {
  params: { path: shop },
  body: { branch: "try" },
});
if (!made.data) throw new Error(made.error.detail);

const users = { ...shop, branch: "try", collection: "users" };
const written = await client.POST(
  "/v1/projects/{project}/branches/{branch}/collections/{collection}/documents",
  { params: { path: users }, body: { documents: [{ _id: 7, name: "Ada" }] } },
);
if (written.data?.[0]?.changed !== true) throw new Error(JSON.stringify(written.error));

const found = await client.GET(
  "/v1/projects/{project}/states/{revision}/collections/{collection}/documents",
  {
    params: {
      path: { ...shop, revision: "try", collection: "users" },
      query: { limit: 1, filter: JSON.stringify({ _id: 7 }) as never },
    },
  },
);
const next: string | null | undefined = found.data?.next;
if (next !== null || found.data?.items.length !== 1) throw new Error(JSON.stringify(found));

const listed = await client.GET("/v1/projects/{project}/branches", { params: { path: shop } });
const names = (listed.data ?? []).map((branch: Branch) => branch.branch);
if (!names.includes("try")) throw new Error(names.join());

const missing = await client.GET("/v1/projects/{project}/branches", {
  params: { path: { project: "none" } },
});
if (missing.error?.status !== 404 || !missing.error.detail) throw new Error("expected a problem");
console.log("ok");
