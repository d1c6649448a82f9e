import ArgumentParser

@main struct Assent: ParsableCommand {}
