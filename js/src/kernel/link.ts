/** The states of the link. */
import type { LinkStatus } from "./contract";

/** Nothing more comes over such a link by itself. */
export const isOver = (link: LinkStatus) => ["ended", "failed", "stopped"].includes(link);
