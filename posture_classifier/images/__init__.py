"""One photo: decoding, preprocessing, augmentation, EXIF, and facts about its file."""
