"""The live version over HTTP: rows in, answers out that are journalled before they leave."""
