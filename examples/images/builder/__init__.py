"""What `build.py` is made of: Debian packages in, image archives out.

Standard library only: it runs before anything is installed. Nothing else may import it.
"""
