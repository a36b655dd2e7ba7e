"""From measurements of several nodes to what a crowd needs: `costs` fits, `plan` is arithmetic, `page` writes docs/operating/scale.md."""
