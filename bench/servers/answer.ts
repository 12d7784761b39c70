/** What every server but Latchhook answers; about as long as its answer is. */
export const ANSWER: string = JSON.stringify({
  status: "accepted",
  event_id: "evt_4Jt0cW7qSXmNq2nUPb0ZkQ",
  run_id: "run_4Jt0cW7qSXmNq2nUPb0ZkQ",
  workflow_name: "noop",
});

/** The line that the bench waits for. */
export function ready(port: number, about: Readonly<Record<string, string>> = {}): void {
  console.log(JSON.stringify({ port, ...about }));
}
