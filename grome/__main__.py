from grome.cli import main

main()
