"""``predict``: photos in, a table of classes out."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural

if TYPE_CHECKING:
    from posture_classifier.predict.job import Job


def predict(
    checkpoint: str,
    paths: list[str],
    output: Path | None = None,
    overwrite: bool = False,
    catch: str | None = None,
    recall: float | None = None,
    explain: Path | None = None,
    shard: str | None = None,
    merge: bool = False,
    batch_size: int | None = None,
    device: str | None = None,
    precision: Literal["auto", "fp32"] = "auto",
) -> int:
    """Classify photos with a trained model.

    Args:
        checkpoint: A .ckpt file of a run, or the run's folder, whose best is taken; class names and
            preprocessing are inside it. Or what export wrote: its folder, or a model such as
            model.onnx.
        paths: Photos, folders (with all photos below them) or patterns such as 'photos/**/*.jpg';
            or one table, photos.csv or photos.parquet, whose column path has files, relative to the
            table's folder, or URLs.
        output: A .csv, .jsonl or .parquet file to write: path, label, probability, one column per
            class, sure, distance and familiar where the checkpoint can tell, error. Rows go to
            <output>.part as they come; after a kill the same command goes on there.
        overwrite: Replace the output if it exists.
        catch: A class to be caught: it is the label from the checkpoint's threshold on, and else
            the most probable of the others.
        recall: Share of that class that is to be caught: 0.9, 0.95 (the default) or 0.99.
        explain: A folder to make for pictures of what in each photo spoke for its label.
        shard: A part of the photos, i/n with i from 0, for one of n processes; by default RANK and
            WORLD_SIZE, as torchrun sets them.
        merge: Join the tables of all shards, which were written by this command without --merge.
        batch_size: Photos in the network at once, at most; by default what suits the device.
        device: cpu, cuda or mps; by default a GPU if there is one.
        precision: auto computes in bfloat16 where the hardware has it, as the evaluation of fit
            does; fp32 nowhere.

    Returns:
        Exit code: 1 if a photo could not be read, else 0; of a shard always 0.
    """
    start = time.perf_counter()
    if Path(checkpoint).suffix in (".yaml", ".yml"):
        raise UserError(
            f"{checkpoint} is a settings file; predict needs a checkpoint, as "
            "lightning_logs/<experiment>/version_N/checkpoints/best.ckpt"
        )
    from posture_classifier.predict.job import Job
    from posture_classifier.predict.shard import Shard, choose_shard

    part = Shard() if merge else choose_shard(shard)
    job = Job(checkpoint, paths, part, output, overwrite, catch, recall, explain, batch_size, device, precision, start)
    job.check_options()
    if merge:
        return _merge(job)
    if job.is_done():
        say(f"{job.table} is finished already, so that shard {part} has nothing to do")
        return 0
    return _classify(job)


def _merge(job: "Job") -> int:
    from posture_classifier.predict.merge import merge_shards

    if job.output is None:
        raise UserError("--merge joins the shards of a table; name the table with --output")
    whole = merge_shards(job.output, job.manifest())
    say(f"{plural(whole['rows'], 'row')} in {job.output}; its shards beside it are no longer needed")
    if not whole["list_digest"]:
        say(
            "photos have come or gone while the shards ran: each is there once at most, and one that came late may be missing",
            style="yellow",
        )
    return _say_failed(whole["unreadable"], whole["rows"])


def _classify(job: "Job") -> int:
    from posture_classifier.data.left_out import describe_left_out

    done = job.run()
    summary = done.summary
    if job.shard.of == 1:  # in the log of many processes their tables would bury each other's words
        say(summary.table())
    for sentence in done.sentences:
        say(sentence)
    if job.table is not None:
        say(f"{plural(summary.rows, 'row')} written to {job.table}")
    seconds = time.perf_counter() - job.started
    say(f"{plural(summary.rows, 'photo')} in {seconds:.1f} s, the first prediction after {done.first:.1f} s")
    if done.left_out:
        say(f"left out: {describe_left_out(done.left_out)}")
    failed = _say_failed(summary.unreadable, summary.rows)
    # To torchrun a process that ends with another code has failed, and it ends all others.
    return failed if job.shard.of == 1 else 0


def _say_failed(unreadable: int, rows: int) -> int:
    if unreadable:
        say(f"{unreadable} of {plural(rows, 'photo')} could not be read", style="red")
    return int(unreadable > 0)
