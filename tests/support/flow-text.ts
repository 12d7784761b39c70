/** The text of a sound flow with one node, or with other parts in the place of its own. */
export const flowText = (
  parts: { fields?: string; nodes?: string; edges?: string; more?: string } = {},
): string =>
  `schema_version: "1.0"
flow: { name: x }
state: { fields: { n: { type: int }, text: { type: str }, list: { type: list }${parts.fields ?? ""} } }
nodes: ${parts.nodes ?? "[{ id: a, set: { n: 1 } }]"}
edges: ${parts.edges ?? "[{ from: START, to: a }, { from: a, to: END }]"}
${parts.more ?? ""}`;

/** The nodes and edges of a flow of so many nodes in a row. */
export const nodesInRow = (count: number): { nodes: string; edges: string } => {
  const ids = Array.from({ length: count }, (_, index) => `n${index}`);
  const way = ["START", ...ids, "END"];
  return {
    nodes: `\n${ids.map((id) => `  - { id: ${id}, set: { n: 1 } }`).join("\n")}`,
    edges: `\n${way
      .slice(1)
      .map((to, index) => `  - { from: ${way[index]}, to: ${to} }`)
      .join("\n")}`,
  };
};
