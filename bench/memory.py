"""The gate's memory: idle, after its first reviews, and after ten thousand."""

import asyncio

from measures import RUNS, cores, resident_mib, say, spread, table
from place import Place, place
from reviews import SIZES, Review, review
from warm import Server, load

REVIEWS = 10_000
IMAGES = 99
FINDINGS = 20


async def push_images(site: Place) -> list[str]:
    async with site.client() as client:
        pushed = [await site.push(client, f"app-{i}", FINDINGS) for i in range(IMAGES)]
    return [str(site.reference(image.digest)) for image in pushed]


def main() -> None:
    idle, first, settled, peak, answers = [], [], [], [], []
    with place() as site:
        images = asyncio.run(push_images(site))
        reviews = [
            Review(
                review(images[i : i + 3], SIZES["5 KB"], name="gated-web"),
                allowed=False,
                says="(deny)",
                weight=1,
            )
            for i in range(0, IMAGES, 3)
        ]
        for run in range(RUNS):
            say(f"memory: run {run + 1} of {RUNS}")
            with site.gate(core=cores()[0]) as gate:
                server = Server("gate", gate.pid, gate.port, checks=True)
                idle.append(resident_mib(gate.pid))
                done = load(server, site, reviews, seed=1, rate=100)["answers"]
                first.append(resident_mib(gate.pid))
                while done < REVIEWS:
                    done += load(server, site, reviews, seed=done, rate=0)["answers"]
                settled.append(resident_mib(gate.pid))
                peak.append(resident_mib(gate.pid, "VmHWM"))
                answers.append(done)
    print("## Memory of the gate\n")
    print(
        f"Resident MiB of the process: ready and never asked; after some hundred reviews of 5 KB\n"
        f"that name {IMAGES} images with {FINDINGS} findings each; after {min(answers):,} reviews\n"
        "at least, as fast as it takes them, all denied; and the most that it ever had.\n"
    )
    header = ["idle", "first reviews", f"{REVIEWS:,} reviews", "peak"]
    print(table(header, [[spread(each) for each in (idle, first, settled, peak)]]))


if __name__ == "__main__":
    main()
