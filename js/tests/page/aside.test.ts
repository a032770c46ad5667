import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Offer, SideBar } from "../../src/page/sidebar";
import { SIDE_BAR } from "../../src/page/sidebar";
import { Bench, fakeTime, later, layOut, picture } from "../support";

const page = globalThis as unknown as Record<symbol, SideBar>;

/** A side bar that only remembers. */
class Bar implements SideBar {
  readonly offers: Offer[] = [];
  readonly opened: string[] = [];

  offer(panel: Offer) {
    this.offers.push(panel);
    return () => void this.offers.splice(this.offers.indexOf(panel), 1);
  }

  open(key: string) {
    this.opened.push(key);
  }
}

fakeTime();
beforeEach(() => {
  layOut();
});
afterEach(() => {
  Reflect.deleteProperty(page, SIDE_BAR);
});

async function bench(place = "p1"): Promise<Bench> {
  const made = new Bench();
  made.model.traits.place = place;
  return made.show(picture({ title: "A run" }));
}

const button = (bench: Bench) => bench.get.queryByRole("button", { name: "Open in side bar" });

describe("the button of the side bar", () => {
  test("is there only where the page has one", async () => {
    expect(button(await bench())).toBeNull();
    page[SIDE_BAR] = new Bar();
    expect(button(await bench(""))).toBeNull();
    expect(button(await bench())).not.toBeNull();
  });

  test("opens the panel by its key", async () => {
    const bar = new Bar();
    page[SIDE_BAR] = bar;
    button(await bench("p1"))?.click();
    button(await bench("p2"))?.click();
    expect(bar.opened).toEqual(["p1", "p2"]);
  });
});

describe("a panel in the side bar", () => {
  test("fills its place, has no size of its own, and goes with the model", async () => {
    const bar = new Bar();
    page[SIDE_BAR] = bar;
    const made = await bench();
    const place = document.createElement("div");
    document.body.append(place);
    const remove = bar.offers[0]?.draw(place);
    await later();
    const panel = place.querySelector<HTMLElement>("section");
    expect(panel?.style.height).toBe("100%");
    expect(panel?.classList).toContain("rc-active");
    for (const name of ["Open in side bar", "Compact", "Height of the panel"]) {
      expect(place.querySelector(`[aria-label="${name}"]`)).toBeNull();
    }
    expect(place.querySelector('[aria-label="Maximise"]')).not.toBeNull();
    remove?.();
    await later();
    expect(place.querySelector("section")).toBeNull();
    expect(made.el.querySelector("section")).not.toBeNull();
    made.life.abort();
    expect(bar.offers).toEqual([]);
  });

  test("stays whole when the one in the notebook is one line", async () => {
    const bar = new Bar();
    page[SIDE_BAR] = bar;
    const made = await bench();
    made.get.getByRole("button", { name: "Compact" }).click();
    await later();
    expect(made.get.queryByRole("tablist")).toBeNull();
    const place = document.createElement("div");
    document.body.append(place);
    bar.offers[0]?.draw(place);
    await later();
    expect(place.querySelector('[role="tablist"]')).not.toBeNull();
  });

  test("reports its name and the end of its kernel", async () => {
    const bar = new Bar();
    page[SIDE_BAR] = bar;
    const made = await bench();
    const offer = bar.offers[0];
    let changes = 0;
    offer?.onChange(() => changes++);
    expect([offer?.title(), offer?.dead()]).toEqual(["A run", false]);
    await made.patch({ head: { title: "Another run" } });
    expect(offer?.title()).toBe("Another run");
    expect(changes).toBe(1);
    made.model.send = () => {
      throw new Error("Cannot send");
    };
    await later(20_000);
    expect(offer?.dead()).toBe(true);
    expect(changes).toBe(2);
  });
});
