// The documents of a state: collections, a query, and what it finds.

import { page, url } from "../api.js";
import { useData, usePages } from "../data.js";
import { count } from "../format.js";
import { Link, path, setQuery } from "../router.js";
import { html } from "../ui/html.js";
import { Empty, Loaded, ProblemNotice } from "../ui/notice.js";
import { NewCollection } from "./documents/collections.js";
import { DocumentList } from "./documents/list.js";
import { DocumentPanel } from "./documents/panel.js";
import { QueryBar, queryOf } from "./documents/query.js";
import { Toolbar } from "./documents/toolbar.js";

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Documents({ state, route }) {
  const { project, revision } = state;
  const [collection, id] = route.parts;
  const collections = useData(
    async (signal) => (await page(url`/v1/projects/${project}/states/${revision}/collections`, { query: { limit: 10000 }, signal })).items,
    [project, revision, state.lsn],
  );
  return html`<div class="documents">
    <aside aria-label="Collections">
      <header class="bar">
        <h2>Collections</h2>
        ${state.isWritable && html`<${NewCollection} state=${state} />`}
      </header>
      <${Loaded} from=${collections}>
        ${(/** @type {import("../types.js").Collection[]} */ rows) =>
          rows.length === 0
            ? html`<${Empty} title="No collections" />`
            : html`<ul>
                ${rows.map(
                  (row) => html`<li key=${row.collection}>
                    <${Link}
                      to=${path(project, revision, "documents", row.collection)}
                      aria-current=${row.collection === collection ? "page" : undefined}
                      class="cut"
                    >${row.collection}</${Link}>
                  </li>`,
                )}
              </ul>`}
      </${Loaded}>
    </aside>
    ${
      collection
        ? html`<${CollectionView} key=${collection} state=${state} route=${route} collection=${collection} id=${id} />`
        : html`<${Empty} icon="table" title="Choose a collection" />`
    }
  </div>`;
}

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route, collection: string, id?: string }} props */
function CollectionView({ state, route, collection, id }) {
  const { project, revision, lsn } = state;
  const query = queryOf(route.query);
  const base = url`/v1/projects/${project}/states/${revision}/collections/${collection}`;
  const keys = [base, lsn, JSON.stringify(query)];
  const list = usePages((cursor, signal) => page(`${base}/documents`, { query: { ...query, canonical: true, cursor, limit: 100 }, signal }), keys);
  const isTree = route.query.get("view") === "tree";
  const reload = () => {
    state.reload();
    list.reload();
  };
  return html`<section class="found" aria-label=${`Documents of ${collection}`}>
    <${QueryBar} route=${route} />
    <${Toolbar} state=${state} collection=${collection} query=${query} list=${list} isTree=${isTree} onView=${(/** @type {string} */ view) => setQuery({ view: view === "tree" ? view : null })} onChange=${reload} />
    <div class="found-body">
      ${
        list.problem
          ? html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`
          : !list.isLoading && list.items.length === 0
            ? html`<${Empty} icon="search" title="No documents">${query.filter ? "Nothing matches the filter." : "The collection is empty in this state."}</${Empty}>`
            : html`<${DocumentList} state=${state} route=${route} collection=${collection} list=${list} isTree=${isTree} selected=${id} />`
      }
      ${id !== undefined && html`<${DocumentPanel} key=${id} state=${state} route=${route} collection=${collection} id=${id} onChange=${reload} />`}
    </div>
    <p class="unseen" role="status">${list.isLoading ? "Loading" : `${count(list.items.length)} documents shown`}</p>
  </section>`;
}
