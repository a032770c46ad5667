/** The states of the link. */
import type { LinkStatus } from "./contract";

/** True if no more events come over such a link by itself. */
export const isOver = (link: LinkStatus) => ["ended", "failed", "stopped"].includes(link);
