"""What the service `train` does, as the module by which the system's document calls it: stages, gate, first release."""

from slipway.__main__ import main

if __name__ == "__main__":
    main(["job", "train"])
