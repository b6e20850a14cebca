"""Why did a run's model choose this token? `lyceum interpret RUN TEXT`, one page of heat maps.

    question.py    what is asked, checked before anything is computed
    model.py       the model of a run, as functions of arrays
    heat_maps.py   the maps that all personas share: the tokens' probabilities, patching, the memory
    answer.py      question and model -> all that the page shows
    page/          the page

What else is seen in the terms of the residual stream is each persona's: the record of its system "interpret" names its
`lyceum.personas.lens.Lens`. Everything is computed by a backend; `lyceum.personas.lens` is the mathematics.
"""
