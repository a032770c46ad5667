/** The times of the run: its tasks on a clock, and below them every event. */

import { Events } from "./events";
import { Chart } from "./timeline/chart";

export function Timeline() {
  return (
    <>
      <Chart />
      <Events />
    </>
  );
}
