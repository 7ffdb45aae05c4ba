"""What the reports of a class say together: numbers and names, no HTML. Reports pass once, one at a time.

scores       the distribution: median, quartiles, bars
items        exercises and checks: how hard, and how well each tells strong from weak
findings     what one report says is wrong in one exercise
said         the words that students were told, and what most of them were told alike
common       which mistakes and which failed checks are frequent
groups       who made the same mistakes
attention    which submissions a human should look at, and why
tally        all of these, fed by one report after the other
names        names of students, on disk
phrases      mistakes as verbs: "multiply the shortcut instead of adding it"

Ten thousand students cost some numbers each: names, and what is shown of each, lie in temporary files.
"""
