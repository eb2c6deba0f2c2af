"""One tick of the loop, as the module by which the system's document calls it: drift, decision, retraining, gate."""

from slipway.__main__ import main

if __name__ == "__main__":
    main(["loop", "--once"])
