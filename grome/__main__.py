from grome.cli.main import main

main()
