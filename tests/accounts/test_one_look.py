from accounts.one_look import forget_kept, is_looking, kept_while, one_look, read_once


def make_read():
    asked = []

    @read_once
    def read(key, *, also=()):
        asked.append(key)
        return [key, *also]

    return read, asked


def test_inside_a_look_a_question_is_asked_once_and_each_caller_has_an_answer_of_its_own():
    read, asked = make_read()
    with one_look():
        read(1).append("mine")
        assert read(1) == [1]
        assert read(2) == [2]
    assert asked == [1, 2]


def test_outside_a_look_nothing_is_remembered():
    read, asked = make_read()
    with one_look():
        read(1)
    read(1)
    read(1)
    assert asked == [1, 1, 1]
    assert not is_looking()


def test_a_look_knows_nothing_of_the_one_around_it():
    read, asked = make_read()
    with one_look():
        read(1)
        with one_look():
            read(1)
        read(1)
    assert asked == [1, 1]


def test_arguments_by_name_count_and_those_that_cannot_be_compared_are_asked_anew():
    read, asked = make_read()
    with one_look():
        assert read(1, also=(2,)) == [1, 2]
        assert read(1, also=(3,)) == [1, 3]
        assert read(1, also=[2]) == read(1, also=[2]) == [1, 2]
    assert asked == [1, 1, 1, 1]


def test_a_refusal_is_not_remembered():
    asked = []

    @read_once
    def read():
        asked.append(1)
        if len(asked) == 1:
            raise ValueError
        return "here"

    with one_look():
        try:
            read()
        except ValueError:
            assert read() == "here"


def make_kept_read():
    asked, stamps = [], {1: "a", 2: "a"}

    @kept_while(lambda firm: stamps[firm])
    def read(firm, *, day=0):
        asked.append((firm, day))
        return [firm, day]

    return read, asked, stamps


def test_what_a_firm_shares_is_kept_from_look_to_look_until_its_stamp_changes():
    read, asked, stamps = make_kept_read()
    for _ in range(2):
        with one_look():
            read(1, day=5).append("mine")
            assert read(1, day=5) == [1, 5]
            assert read(1, day=6) == [1, 6]
            assert read(2, day=5) == [2, 5]
    assert asked == [(1, 5), (1, 6), (2, 5)]
    stamps[1] = "b"
    with one_look():
        read(1, day=5)
        read(2, day=5)
    assert asked == [(1, 5), (1, 6), (2, 5), (1, 5)]


def test_outside_a_look_nothing_is_kept_and_another_database_starts_with_nothing():
    read, asked, _ = make_kept_read()
    with one_look():
        read(1)
    read(1)
    forget_kept()
    with one_look():
        read(1)
    assert asked == [(1, 0)] * 3
