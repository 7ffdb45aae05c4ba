"""What students get of an assignment: a folder with which they can check themselves, and nothing that gives it away.

public      the spec as far as students may know it
shapes      of secret references: the shapes of what they return
bundle      all files of the folder, as bytes
readme      the one that says how to check oneself
show        what was written, in words
write       the folder and the zip, never over anything that is not a former bundle
"""

from grader.release.bundle import Bundle, make_bundle
from grader.release.write import refuse_taken, write_folder, write_zip

__all__ = ["Bundle", "make_bundle", "refuse_taken", "write_folder", "write_zip"]
