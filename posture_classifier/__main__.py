"""``python -m posture_classifier``."""

import sys

from posture_classifier.cli import main

if __name__ == "__main__":
    sys.exit(main())
