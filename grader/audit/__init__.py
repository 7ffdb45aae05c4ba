"""Does an assignment catch what it should? Every known mistake is planted in its references, in many styles.

lift        graphs of the forms, right or wrong, become steps
merge       the steps of all cases become one body with choices
compose     and layers: a program, free of any one way to write it
styles/     each writes a program as a student might
plans       which mistakes can be planted, and which of them do anything
audit       what the assignment's cases miss, and what they would need
"""
