"""The people: what stays the same in all photos of one subject, drawn at random.

The bundled set repeats only while every draw keeps its place in the sequence, so a new one belongs
at the end. Colours are linear RGB, 0 to 1.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Color: TypeAlias = NDArray[np.float64]  # (3,)

# Reflectance of skin by Anny's three ancestries, to be mixed.
SKIN_AFRICAN, SKIN_ASIAN, SKIN_CAUCASIAN = np.array([[0.09, 0.042, 0.025], [0.52, 0.30, 0.18], [0.62, 0.36, 0.25]])

HAIR_COLORS = np.array(
    [
        [0.012, 0.009, 0.007],  # black
        [0.02, 0.013, 0.009],  # dark brown
        [0.05, 0.025, 0.012],  # brown
        [0.10, 0.05, 0.02],  # light brown
        [0.28, 0.18, 0.08],  # blond
        [0.35, 0.33, 0.31],  # grey
        [0.16, 0.05, 0.02],  # red
    ]
)
HAIR_COLOR_SHARES = [0.3, 0.25, 0.17, 0.1, 0.06, 0.09, 0.03]
GREY = 5

EYE_COLORS = np.array([[0.05, 0.025, 0.012], [0.12, 0.07, 0.03], [0.1, 0.2, 0.3], [0.1, 0.18, 0.1]])
EYE_COLOR_SHARES = [0.5, 0.25, 0.15, 0.1]

# A name that comes twice has the sum of its shares; merged into one, it would change which draw
# gives which style.
STYLES_FEMALE, SHARES_FEMALE = ["bob", "tied", "long", "short", "tied"], [0.25, 0.35, 0.07, 0.15, 0.18]
STYLES_MALE, SHARES_MALE = ["short", "short", "crop", "side", "bald"], [0.3, 0.25, 0.25, 0.1, 0.1]


@dataclass(frozen=True)
class Hair:
    """A haircut.

    Attributes:
        style: bald, crop, short, side (parted), bob, long or tied.
        color: Linear RGB.
        part: Side of the parting, -1 or 1.
        comb: How strongly hair is combed back, 0.2 to 1.
        bun_height: Where tied hair is tied, in metres above the middle of the skull.
        pony_tail: Whether tied hair ends in a pony tail, not in a bun.
    """

    style: str
    color: Color
    part: int
    comb: float
    bun_height: float
    pony_tail: bool


@dataclass(frozen=True)
class Clothes:
    """A shirt and trousers.

    Attributes:
        neckline: crew, v, collar or hood.
        sleeve: Where the sleeves end: 1 is the elbow, 2 the wrist.
        looseness: Distance of the cloth from the skin at chest height, in metres, roughly.
        pattern: plain, stripes, plaid or heather.
        color: Linear RGB of the shirt.
        second_color: Linear RGB of its stripes.
        trousers: Linear RGB.
    """

    neckline: str
    sleeve: float
    looseness: float
    pattern: str
    color: Color
    second_color: Color
    trousers: Color


@dataclass(frozen=True)
class Stripes:
    """Stripes per metre, and the share of the cloth (0 to 1) that has the shirt's second colour."""

    frequency: float
    share: float


@dataclass(frozen=True)
class Subject:
    """A virtual adult.

    Attributes:
        phenotype: Anny's phenotype parameters, 0 to 1.
        local_changes: Anny's local shape changes, -1 to 1.
        skin: Linear RGB.
        eye_color: Linear RGB of the iris.
        hair: Haircut.
        beard: Opacity of the beard, 0 for none.
        clothes: Shirt and trousers.
        stripes: For a striped or plaid shirt.
        glasses: Whether the subject wears glasses.
        glasses_color: Linear RGB of their frame.
        seated: Sits in all photos, or stands in all.
        outdoor: Whether all photos are taken outdoors.
        room_seed: Seed of the surroundings, hair and folds.
    """

    phenotype: dict[str, float]
    local_changes: dict[str, float]
    skin: Color
    eye_color: Color
    hair: Hair
    beard: float
    clothes: Clothes
    stripes: Stripes
    glasses: bool
    glasses_color: Color
    seated: bool
    outdoor: bool
    room_seed: int


def hsv(hue: float, saturation: float, value: float) -> Color:
    """RGB of a colour given by hue, saturation and value, each 0 to 1."""
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value))


def draw_subject(rng: np.random.Generator, local_change_names: Sequence[str]) -> Subject:
    """Draw a subject whose face and neck vary by the local changes named."""
    phenotype = _draw_phenotype(rng)
    female = phenotype["gender"] > 0.5
    skin = _draw_skin(rng, phenotype)
    hair_color = _draw_hair_color(rng, phenotype["age"])
    hues = rng.random(3)
    style = str(rng.choice(STYLES_FEMALE, p=SHARES_FEMALE) if female else rng.choice(STYLES_MALE, p=SHARES_MALE))
    return Subject(
        phenotype=phenotype,
        skin=skin,
        eye_color=rng.choice(EYE_COLORS, p=EYE_COLOR_SHARES),
        clothes=_draw_clothes(rng, hues),
        glasses=rng.random() < 0.3,
        beard=float(not female and rng.random() < 0.4) * rng.uniform(0.2, 0.6),
        seated=rng.random() < 0.65,
        outdoor=rng.random() < 0.2,
        room_seed=int(rng.integers(1 << 30)),
        hair=Hair(
            style=style,
            color=hair_color,
            part=rng.choice([-1, 1]),
            comb=rng.uniform(0.2, 1.0),
            bun_height=rng.uniform(-0.02, 0.06),
            pony_tail=rng.random() < 0.6,
        ),
        stripes=Stripes(frequency=rng.uniform(14, 40), share=rng.uniform(0.25, 0.6)),
        glasses_color=hsv(rng.random(), 0.4, rng.choice([0.02, 0.02, 0.3])),
        local_changes={name: float(np.clip(rng.normal(0, 0.22), -0.6, 0.6)) for name in local_change_names},
    )


def _draw_phenotype(rng: np.random.Generator) -> dict[str, float]:
    gender = np.clip(rng.choice([0.08, 0.92]) + rng.normal(0, 0.06), 0, 1)  # 0 male, 1 female
    ancestry = rng.dirichlet([0.8, 0.8, 0.8])
    phenotype = {
        "gender": gender,
        "age": rng.uniform(0.6, 0.9),  # 2/3 is Anny's young adult, 1 its old one
        "muscle": rng.uniform(0.35, 0.7),
        "weight": rng.uniform(0.35, 0.75),
        "height": rng.uniform(0.35, 0.65),
        "proportions": rng.uniform(0.4, 0.9),
        "cupsize": rng.uniform(0.35, 0.55),
        "firmness": 0.6,
        "african": ancestry[0],
        "asian": ancestry[1],
        "caucasian": ancestry[2],
    }
    return {name: float(value) for name, value in phenotype.items()}


def _draw_skin(rng: np.random.Generator, phenotype: dict[str, float]) -> Color:
    african, asian, caucasian = phenotype["african"], phenotype["asian"], phenotype["caucasian"]
    tone = SKIN_AFRICAN * african + SKIN_ASIAN * asian + SKIN_CAUCASIAN * caucasian
    return np.clip(tone * rng.uniform(0.8, 1.15) * (1 + rng.normal(0, 0.04, 3)), 0.02, 0.8)


def _draw_hair_color(rng: np.random.Generator, age: float) -> Color:
    pick = rng.choice(len(HAIR_COLORS), p=HAIR_COLOR_SHARES)
    if age > 0.82 and rng.random() < 0.6:
        pick = GREY
    return HAIR_COLORS[pick]


def _draw_clothes(rng: np.random.Generator, hues: NDArray[np.float64]) -> Clothes:
    """Draw clothes from three hues: the shirt's, its stripes', and one for the trousers."""
    return Clothes(
        neckline=str(rng.choice(["crew", "v", "collar", "hood"], p=[0.4, 0.2, 0.28, 0.12])),
        sleeve=rng.choice([0.6, 0.75, 2.0, 2.0]),
        looseness=rng.uniform(0.003, 0.016),
        pattern=str(rng.choice(["plain", "plain", "stripes", "plaid", "heather"])),
        color=hsv(hues[0], rng.uniform(0.02, 0.7), rng.choice([0.05, 0.2, 0.5, 0.8])),
        second_color=hsv(hues[1], rng.uniform(0, 0.5), rng.uniform(0.1, 0.9)),
        trousers=hsv(rng.choice([0.6, 0.6, 0.1, hues[2]]), rng.uniform(0.1, 0.5), rng.uniform(0.03, 0.4)),
    )
