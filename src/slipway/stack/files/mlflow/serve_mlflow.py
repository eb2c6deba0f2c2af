"""MLflow's server in this one process: addresses and the file of a password in its environment, requests answered.

`mlflow server` would keep a process of its own, as large as the server, to wait for it.
"""

import logging
import os
import sys
import warnings
from pathlib import Path


def main() -> None:
    if password := os.environ.get("DATABASE_PASSWORD_FILE"):
        # Where the address has none the driver takes it from here: it stands in no setting and in no line of a log.
        try:
            os.environ["PGPASSWORD"] = Path(password).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            sys.exit(f"{password}: {error.strerror}. `slipway stack secrets` makes what is missing.")
    warnings.filterwarnings("ignore", module="mlflow|starlette")
    import uvicorn
    from mlflow.server import constants
    from mlflow.server.handlers import initialize_backend_stores

    store, destination = os.environ["MLFLOW_BACKEND_STORE_URI"], os.environ.get("MLFLOW_ARTIFACTS_DESTINATION")
    # With a destination artifacts pass through the server; without one they lie where the project keeps them.
    root = "mlflow-artifacts:/" if destination else os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"]
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.REGISTRY_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: root,
    }
    if destination:
        os.environ |= {constants.SERVE_ARTIFACTS_ENV_VAR: "true", constants.ARTIFACTS_DESTINATION_ENV_VAR: destination}
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    initialize_backend_stores(store, store, root)
    uvicorn.run(
        "mlflow.server.fastapi_app:app",
        host="0.0.0.0",  # noqa: S104 - within its container
        port=int(os.environ["MLFLOW_PORT"]),
        access_log=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
