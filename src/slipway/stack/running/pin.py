"""Images by their tags in, the digests that a registry has for them now out."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from slipway.errors import OutsideError
from slipway.stack.pins import DIGEST, FILE
from slipway.stack.running.checks import base_images
from slipway.stack.running.engine import Engine, Plan, last_words


def tags(plan: Plan) -> list[str]:
    """The images of the stack that are not built here: services' own, and those that a Dockerfile rests on."""
    found = {service.image for service in plan.services.values() if service.dockerfile is None and service.image}
    dockerfiles = {service.dockerfile for service in plan.services.values() if service.dockerfile is not None}
    for dockerfile in dockerfiles:
        if dockerfile.is_file():
            found.update(base_images(dockerfile.read_text(encoding="utf-8")))
    return sorted({image.partition("@")[0] for image in found})


def ask_pins(engine: Engine, images: Iterable[str]) -> dict[str, str]:
    """Ask the registries what their tags are now.

    Raises:
        OutsideError: a registry can't be reached, or does not know a tag; all of them are named.
    """
    wanted = list(images)

    def ask(image: str) -> tuple[str | None, str]:
        command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
        try:
            done = engine.said(command, seconds=60)
        except OutsideError as error:
            return None, str(error)
        found = DIGEST.search(done.stdout)
        return (found[0] if found is not None and not done.returncode else None), last_words(done.stderr)

    with ThreadPoolExecutor(max_workers=4) as at_once:
        answers = dict(zip(wanted, at_once.map(ask, wanted), strict=True))
    failed = [f"- {image}: {why}" for image, (digest, why) in answers.items() if digest is None]
    if failed:
        raise OutsideError(
            "No digest could be had for:\n" + "\n".join(failed) + f"\nPinning needs the way to a registry; {FILE} is "
            "as it was."
        )
    return {image: f"{image}@{digest}" for image, (digest, _) in answers.items()}
